# Pin npm packages by running ./bin/importmap

pin "application"
pin "@hotwired/turbo", to: "@hotwired--turbo.js" # @8.0.23
pin "@hotwired/stimulus", to: "stimulus.min.js"
pin "@hotwired/stimulus-loading", to: "stimulus-loading.js"
pin_all_from "app/javascript/controllers", under: "controllers"
