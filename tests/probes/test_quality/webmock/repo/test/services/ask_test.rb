require "test_helper"

class AskTest < ActiveSupport::TestCase
  test "answers" do
    stub_request(:post, "https://openrouter.ai/api/v1/chat/completions")
      .to_return(status: 200, body: { choices: [{ message: { role: "assistant", content: "Hi" } }] }.to_json)
    assert_equal "Hi", Ask.new.call("Hello")
  end

  test "fails politely" do
    stub_request(:post, /openrouter/).to_return(status: 500)
    assert_equal "No answer", Ask.new.call("Hello")
  end

  test "exists" do
    assert Ask.new
  end
end
