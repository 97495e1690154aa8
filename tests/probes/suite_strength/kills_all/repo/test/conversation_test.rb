require "test_helper"

class ConversationTest < ActiveSupport::TestCase
  URL = "https://openrouter.ai/api/v1/chat/completions"

  setup do
    RubyLLM.config.openrouter_api_key = "test-key"
    RubyLLM.config.max_retries = 0
  end

  test "sends the instructions, the earlier turns and the text" do
    answering "Hello, Ada!"
    conversation = Conversation.new({})
    assert_equal "Hello, Ada!", conversation.ask("I am Ada.").last["content"]
    conversation.ask("Who am I?")

    assert_requested(:post, URL) do |request|
      sent = JSON.parse(request.body)["messages"].map { |message| message.values_at("role", "content") }
      sent == [["developer", "Be brief.\n"], %w[user I\ am\ Ada.], ["assistant", "Hello, Ada!"], ["user", "Who am I?"]]
    end
  end

  test "says that no answer came" do
    stub_request(:post, URL).to_return(status: 500, body: "{}")
    assert_match "try again", Conversation.new({}).ask("Hi").last["content"]
  end

  private

  def answering(text)
    choice = { index: 0, finish_reason: "stop", message: { role: "assistant", content: text } }
    body = { id: "1", model: "anthropic/claude-sonnet-4.6", choices: [choice], usage: {} }
    stub_request(:post, URL)
      .to_return(status: 200, headers: { "Content-Type" => "application/json" }, body: body.to_json)
  end
end
