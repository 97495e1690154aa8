require "test_helper"

class AskTest < ActiveSupport::TestCase
  Reply = Struct.new(:content, :label)

  class FakeChat
    attr_reader :seen

    def initialize
      @seen = []
    end

    def add_message(message) = @seen << message

    def ask(text)
      @seen << text
      Reply.new("Hi", "x")
    end
  end

  class BrokenChat
    def ask(_text)
      raise RubyLLM::ServerError, "down"
    end
  end

  test "answers" do
    chat = FakeChat.new
    assert_equal "Hi", Ask.new([], chat: chat).call("Hello")
    assert_equal ["Hello"], chat.seen
  end
end
