require "test_helper"

class ConversationTest < ActiveSupport::TestCase
  test "starts with a turn" do
    assert_equal 1, Conversation.new({}).turns.size
  end

  test "can be closed" do
    Conversation.new({}).close
  end

  test "can be searched" do
    skip
  end
end
