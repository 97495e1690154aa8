class ReplyTest < ActiveSupport::TestCase
  test "complete" do
    RubyLLM.chat(provider: :openrouter).complete
  end
end
