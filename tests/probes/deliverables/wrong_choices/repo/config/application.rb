require "rails"
%w[action_controller/railtie active_record/railtie].each { |name| require name }
class App < Rails::Application
end
