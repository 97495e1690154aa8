class AskTest < ActiveSupport::TestCase
  test "x" do
    RubyLLM::Client.new
  end
end
