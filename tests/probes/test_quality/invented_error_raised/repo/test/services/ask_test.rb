class AskTest < ActiveSupport::TestCase
  test "fails" do
    RubyLLM::Chat.any_instance.stubs(:ask).raises(RubyLLM::APIError)
    assert_raises(StandardError) { Ask.new.call("Hello") }
  end
end
