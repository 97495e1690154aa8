require "test_helper"

class AskTest < ActiveSupport::TestCase
  setup do
    @chat = Minitest::Mock.new
    @reply = Minitest::Mock.new
    @chat.expect(:user, @chat, ["Hello"])
    @reply.expect(:text, "Hi")
    @chat.expect(:ask, @reply, ["Hello"])
  end

  test "answers" do
    RubyLLM.stub(:chat, @chat) { assert_equal "Hi", Ask.new.call("Hello") }
    refute_nil @chat
    RubyLLM::Client.stub(:new, @chat) { assert true }
  end

  test "with mocha" do
    RubyLLM::Chat.any_instance.stubs(:send_message).returns("Hi")
    RubyLLM::Chat.any_instance.stubs(:ask).returns(stub(content: "Hi"))
    assert Ask.new
  end
end
