pin "application"
pin "@hotwired/turbo", to: "turbo.js"
pin "@hotwired/stimulus", to: "stimulus.js"
