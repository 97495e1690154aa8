require "test_helper"

class MessagesControllerTest < ActionDispatch::IntegrationTest
  test "asks the provider" do
    RubyLLM.config.openrouter_api_key = "test"
    RubyLLM.config.max_retries = 0
    post "/messages", params: { content: "hello" }
    assert_redirected_to "/"
  end
end
