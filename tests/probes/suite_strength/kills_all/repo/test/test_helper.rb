ENV["RAILS_ENV"] = "test"
require "simplecov"
SimpleCov.start("rails") do
  enable_coverage :branch
  minimum_coverage line: 60
end
require_relative "../config/environment"
require "rails/test_help"
require "webmock/minitest"
