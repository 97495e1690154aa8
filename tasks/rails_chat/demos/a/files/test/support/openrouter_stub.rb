# Stands in for OpenRouter below the real gem, at HTTP: RubyLLM builds every request and reads every answer itself.
module OpenRouterStub
  COMPLETIONS_URL = "https://openrouter.ai/api/v1/chat/completions".freeze
  JSON_TYPE = { "Content-Type" => "application/json" }.freeze

  def stub_replies(*texts)
    stub_request(:post, COMPLETIONS_URL).to_return(*texts.map { |text| completion(text) })
  end

  def stub_failure(status, message = "the provider says no")
    stub_request(:post, COMPLETIONS_URL)
      .to_return(status:, headers: JSON_TYPE, body: { error: { code: status, message: } }.to_json)
  end

  def completion(text)
    choice = { index: 0, finish_reason: "stop", message: { role: "assistant", content: text } }
    body = { id: "gen-1", model: "anthropic/claude-sonnet-4.6", choices: [choice],
             usage: { prompt_tokens: 12, completion_tokens: 7, total_tokens: 19 } }
    { status: 200, headers: JSON_TYPE, body: body.to_json }
  end

  # The bodies of all requests sent so far, oldest first.
  def sent_requests
    requests = []
    WebMock::RequestRegistry.instance.requested_signatures.each do |signature, count|
      count.times { requests << JSON.parse(signature.body) }
    end
    requests
  end

  # The messages of the newest request as [role, content] pairs, without the system prompt.
  def sent_turns
    turns = sent_requests.last["messages"].map { |message| message.values_at("role", "content") }
    turns.drop_while { |role, _| role == "system" }
  end
end
