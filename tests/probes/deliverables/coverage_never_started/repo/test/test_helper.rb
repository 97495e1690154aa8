require "simplecov"
# SimpleCov.start "rails"
require_relative "../config/environment"
