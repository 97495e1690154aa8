require "test_helper"

class ConversationTest < ActiveSupport::TestCase
  test "starts empty" do
    assert_empty Conversation.new
  end

  test "add answers a longer conversation and leaves the old one alone" do
    empty = Conversation.new
    conversation = empty.add(Message.user("Hi"), Message.assistant("Hello"))

    assert_equal %w[Hi Hello], conversation.messages.map(&:content)
    assert_empty empty
  end

  test "keeps the newest exchanges only, and whole ones" do
    conversation = (1..25).reduce(Conversation.new) do |so_far, number|
      so_far.add(Message.user("question #{number}"), Message.assistant("answer #{number}"))
    end

    assert_equal Conversation::MAX_EXCHANGES * 2, conversation.messages.size
    assert_equal Message.user("question 6"), conversation.messages.first
    assert_equal Message.assistant("answer 25"), conversation.messages.last
  end
end
