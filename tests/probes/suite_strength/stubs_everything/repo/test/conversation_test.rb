require "test_helper"
require "mocha/minitest"

class ConversationTest < ActiveSupport::TestCase
  test "asks the model" do
    chat = stub_everything("chat")
    chat.stubs(:with_instructions).returns(chat)
    chat.stubs(:ask).returns(stub_everything("reply"))
    RubyLLM.stubs(:chat).returns(chat)

    assert_equal 2, Conversation.new({ turns: [{ "role" => "user", "content" => "Hi" }] }).ask("Hello").size
  end
end
