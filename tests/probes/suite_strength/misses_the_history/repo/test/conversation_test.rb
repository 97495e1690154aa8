require "test_helper"

class ConversationTest < ActiveSupport::TestCase
  URL = "https://openrouter.ai/api/v1/chat/completions"

  setup do
    RubyLLM.config.openrouter_api_key = "test-key"
    RubyLLM.config.max_retries = 0
  end

  test "asks the model" do
    answering "Hello, Ada!"
    assert_equal "Hello, Ada!", Conversation.new({}).ask("I am Ada.").last["content"]
    assert_requested(:post, URL) { |request| request.body.include?("I am Ada.") }
  end

  private

  def answering(text)
    choice = { index: 0, finish_reason: "stop", message: { role: "assistant", content: text } }
    body = { id: "1", model: "anthropic/claude-sonnet-4.6", choices: [choice], usage: {} }
    stub_request(:post, URL)
      .to_return(status: 200, headers: { "Content-Type" => "application/json" }, body: body.to_json)
  end
end
