class AskTest < ActiveSupport::TestCase
  class FakeClient
    def initialize(answer) = @answer = answer
    def chat(**) = self
    def ask(_text) = @answer ? RubyLLM::Message.new(role: :assistant, content: @answer) : raise(@answer)
  end

  test "answers" do
    assert_equal "Hi", Ask.new(client: FakeClient.new("Hi")).call("Hello")
    assert_not_equal "Sorry.", Ask.new(client: FakeClient.new("Hi")).call("Hello")
    assert_operator RubyLLM::ServerError, :<, RubyLLM::Error
  end
end
