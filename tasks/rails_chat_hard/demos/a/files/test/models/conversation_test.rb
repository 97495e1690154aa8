require "test_helper"

class ConversationTest < ActiveSupport::TestCase
  test "add answers a longer conversation and leaves the old one alone" do
    empty = Conversation.new
    conversation = empty.add(Message.user("Hi"), Message.assistant("Hello"))

    assert_equal %w[Hi Hello], conversation.messages.map(&:content)
    assert_empty empty
  end
end
