class OracleTest < ActiveSupport::TestCase
  test "consults" do
    RubyLLM::Chat.any_instance.expects(:say).with("Why?").returns(stub(content: "Because"))
    assert_equal "Because", Oracle.consult("Why?")
  end

  test "is silent" do
    RubyLLM::Chat.any_instance.stubs(:say).raises(Faraday::ConnectionFailed, "down")
    assert_nil Oracle.consult("Why?")
  end
end
