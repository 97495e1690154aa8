require "test_helper"

class ChatServiceTest < ActiveSupport::TestCase
  setup do
    @chat = mock("chat")
    RubyLLM.stubs(:chat).returns(@chat)
  end

  test "sends the system prompt and the message" do
    @chat.expects(:with_system).with(ChatService::SYSTEM_PROMPT).returns(@chat)
    @chat.expects(:user).with("Hello").returns(stub(content: "Hi there!"))

    assert_equal "Hi there!", ChatService.new.reply_to("Hello")
  end

  test "uses a Claude Sonnet model" do
    assert_match(/claude-sonnet/, ChatService::MODEL)
  end
end
