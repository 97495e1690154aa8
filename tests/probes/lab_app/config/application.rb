require "bundler/setup"
require "rails"
require "action_controller/railtie"
require "rails/test_unit/railtie"
Bundler.require(*Rails.groups)

module Small
  class Application < Rails::Application
    config.load_defaults 7.1
    config.eager_load = false
    config.consider_all_requests_local = true
  end
end
