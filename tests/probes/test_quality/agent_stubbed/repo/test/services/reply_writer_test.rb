class ReplyWriterTest < ActiveSupport::TestCase
  test "writes" do
    SupportAgent.any_instance.stubs(:ask).returns(RubyLLM::Message.new(role: :assistant, content: "Hi"))
    assert_equal "Hi", ReplyWriter.new.call("Hello")
  end

  test "apologises" do
    SupportAgent.any_instance.stubs(:ask).raises(RubyLLM::ServerError.new(nil, "down"))
    assert_equal "Sorry.", ReplyWriter.new.call("Hello")
  end
end
