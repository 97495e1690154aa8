namespace :security do
  task all: ["security:audit", :brakeman]

  task :audit do
    sh "bundle exec bundle-audit check"
  end

  task :brakeman do
    sh "bundle exec brakeman -q"
  end
end
