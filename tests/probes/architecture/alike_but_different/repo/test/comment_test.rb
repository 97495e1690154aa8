class AnyTest < Minitest::Test
  def stubbed
    stub_request(:post, "https://openrouter.ai/api/v1/chat/completions").to_return(
      status: 200,
      headers: { "Content-Type" => "application/json" },
      body: { choices: [ { message: { role: "assistant", content: "Hello" } } ] }.to_json
    )
  end
end
