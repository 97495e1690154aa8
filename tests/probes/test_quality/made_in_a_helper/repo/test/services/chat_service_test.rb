class ChatServiceTest < ActiveSupport::TestCase
  def build(chat) = RubyLLM.stub(:chat, chat) { ChatService.new }

  test "asks" do
    chat = Minitest::Mock.new
    chat.expect(:with_instructions, chat, [String])
    chat.expect(:ask, RubyLLM::Message.new(role: :assistant, content: "Hi"), ["Hello"])
    assert_equal "Hi", build(chat).ask("Hello")
  end
end
