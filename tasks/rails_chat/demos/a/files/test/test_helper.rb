ENV["RAILS_ENV"] ||= "test"

require "simplecov"
SimpleCov.start "rails" do
  enable_coverage :branch
  minimum_coverage line: 95 if ENV["CI"]
end

require_relative "../config/environment"
require "rails/test_help"
require "webmock/minitest"
require_relative "support/openrouter_stub"

# Nothing leaves the machine: whatever is not stubbed raises.
WebMock.disable_net_connect!

class ActiveSupport::TestCase
  include OpenRouterStub

  setup do
    Rails.cache.clear
    RubyLLM.config.openrouter_api_key = "test-key"
    RubyLLM.config.max_retries = 0
  end

  def without_api_key
    RubyLLM.config.openrouter_api_key = nil
    yield
  ensure
    RubyLLM.config.openrouter_api_key = "test-key"
  end
end
