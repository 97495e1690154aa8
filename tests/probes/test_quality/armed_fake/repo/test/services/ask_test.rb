class AskTest < ActiveSupport::TestCase
  class FakeClient
    def initialize(answer: nil, error: nil) = (@answer, @error = answer, error)

    def chat(**) = self

    def ask(_text)
      raise @error if @error

      RubyLLM::Message.new(role: :assistant, content: @answer)
    end
  end

  test "apologises" do
    broken = FakeClient.new(error: RubyLLM::RateLimitError.new(nil, "slow down"))
    assert_equal "Sorry.", Ask.new(client: broken).call("Hello")
  end
end
