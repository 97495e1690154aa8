require "test_helper"

class AskTest < ActiveSupport::TestCase
  class FakeChat
    attr_reader :asked

    def ask(text)
      @asked = text
      OpenStruct.new(text: "Hi")
    end

    def asked_twice? = false
  end

  test "answers" do
    user = OpenStruct.new(text: "Ada")
    assert_equal "Hi", Ask.new(chat: FakeChat.new).call(user.text)
  end
end
