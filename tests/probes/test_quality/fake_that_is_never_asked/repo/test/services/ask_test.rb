require "test_helper"

class AskTest < ActiveSupport::TestCase
  FakeChat = Struct.new(:reply)

  test "has a label" do
    assert_equal "Ask", Ask.new(chat: FakeChat.new("x")).label
  end
end
