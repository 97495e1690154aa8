require "rails"

module Chatter
  class Application < Rails::Application
  end
end
