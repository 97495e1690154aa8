class ReplyTest < ActiveSupport::TestCase
  class FakeChat
    Answer = Data.define(:content)

    def ask(_text, with: nil, &block)
      block&.call(Answer.new(content: "H"))
      Answer.new(content: "Hi")
    end
  end

  test "answers" do
    reply = Reply.new(chat_factory: ->(**) { FakeChat.new })
    assert_equal "Hi", reply.call("Hello")
  end

  test "answers otherwise" do
    fake = Object.new
    def fake.ask(_text)
      OpenStruct.new(output_text: "Hi")
    end
    assert_equal "Hi", Reply.new(chat_factory: -> (**) { fake }).call("Hello")
  end
end
