require "simplecov"
SimpleCov.start "rails"
ENV["RAILS_ENV"] ||= "test"
