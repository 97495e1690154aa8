class AskTest < ActiveSupport::TestCase
  test "answers" do
    chat = mock
    chat.expects(:ask).with("Hello").returns(stub(content: "Hi"))
    service = Ask.new
    service.stubs(:build_chat).returns(chat)
    assert_equal "Hi", service.call("Hello")
  end
end
