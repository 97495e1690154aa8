class SupportAgentTest < ActiveSupport::TestCase
  test "answers" do
    SupportAgent.any_instance.stubs(:answer).returns("Hi")
    assert_equal "Hi", SupportAgent.new.answer("Hello")
  end
end
