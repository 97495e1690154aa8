require "test_helper"

class AskTest < ActiveSupport::TestCase
  test "answers" do
    chat = Minitest::Mock.new
    response = Minitest::Mock.new
    response.expect(:content, "Hi")
    chat.expect(:with_instructions, chat, ["Be brief."])
    chat.expect(:add_message, nil, role: :user, content: "before")
    chat.expect(:say, response, ["Hello"])

    RubyLLM.stub(:chat, ->(**) { chat }) do
      assert_equal "Hi", Ask.new.call("Hello")
    end
    assert_mock chat
  end
end
