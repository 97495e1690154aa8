require "rails/all"
class Dummy < Rails::Application
end
