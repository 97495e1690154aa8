require "test_helper"

class ChatTurnTest < ActiveSupport::TestCase
  setup { @store = ConversationStore.new }

  test "sends the system prompt and the message, and answers with the exchange" do
    stub_replies("Hello, Ada!")

    result = turn("  I am Ada.  ")

    assert_predicate result, :success?
    assert_equal [Message.user("I am Ada."), Message.assistant("Hello, Ada!")], result.messages
    assert_equal [{ "role" => "system", "content" => ChatTurn::SYSTEM_PROMPT },
                  { "role" => "user", "content" => "I am Ada." }], sent_requests.sole["messages"]
  end

  test "names the configured model, bounds the reply and carries the key" do
    stub_replies("Hello")
    turn("Hi")

    assert_equal "anthropic/claude-sonnet-4.6", sent_requests.sole["model"]
    assert_equal ChatTurn::MAX_REPLY_TOKENS, sent_requests.sole["max_tokens"]
    assert_requested :post, COMPLETIONS_URL, headers: { "Authorization" => "Bearer test-key" }
  end

  test "a later turn carries every earlier message exactly once" do
    stub_replies("Hello, Ada!", "You are Ada.", "Any time.")
    turn("I am Ada.")
    turn("Who am I?")
    turn("Thanks.")

    assert_equal [["user", "I am Ada."], ["assistant", "Hello, Ada!"], ["user", "Who am I?"],
                  ["assistant", "You are Ada."], ["user", "Thanks."]], sent_turns
    assert_requested :post, COMPLETIONS_URL, times: 3
  end

  test "conversations do not leak into each other" do
    stub_replies("One", "Two")
    turn("mine", id: "ada")
    turn("yours", id: "bob")

    assert_equal [%w[user yours]], sent_turns
  end

  test "sends no more history than is kept" do
    stub_replies("ok")
    25.times { |number| turn("message #{number}") }

    assert_equal (Conversation::MAX_EXCHANGES * 2) + 1, sent_turns.size
    assert_equal ["user", "message 24"], sent_turns.last
  end

  test "a failed turn is neither kept nor sent again" do
    stub_failure(500)
    assert_match "not available", turn("Lost").error
    assert_empty @store.find("ada")

    stub_replies("Hello")
    turn("Hi")
    assert_equal [%w[user Hi]], sent_turns
  end

  {
    400 => "did not accept", 401 => "rejected the API key", 402 => "out of credit", 403 => "rejected the API key",
    418 => "no answer", 429 => "Too many requests", 500 => "not available", 503 => "not available",
    529 => "not available"
  }.each do |status, words|
    test "explains the provider's status #{status}" do
      stub_failure(status)
      result = turn("Hi")

      assert_not result.success?
      assert_match words, result.error
      assert_empty result.messages
    end
  end

  test "explains a conversation that outgrew the model" do
    stub_failure(400, "This model's maximum context length is 200000 tokens")

    assert_match "too long for the model", turn("Hi").error
  end

  test "explains an error that comes with status 200" do
    stub_request(:post, COMPLETIONS_URL).to_return(status: 200, headers: JSON_TYPE,
                                                   body: { error: { message: "upstream" } }.to_json)

    assert_match "no answer", turn("Hi").error
  end

  test "explains a time-out" do
    stub_request(:post, COMPLETIONS_URL).to_timeout

    assert_match(/took too long|could not be reached/, turn("Hi").error)
  end

  test "explains a refused connection" do
    stub_request(:post, COMPLETIONS_URL).to_raise(Errno::ECONNREFUSED)

    assert_match "could not be reached", turn("Hi").error
  end

  test "explains answers that are no chat completion" do
    [{ headers: JSON_TYPE, body: "{}" }, { headers: JSON_TYPE, body: "{not json" }, { headers: JSON_TYPE, body: "[1]" },
     { headers: { "Content-Type" => "text/html" }, body: "<h1>Sign in to the Wi-Fi</h1>" },
     completion("  "), completion(nil)].each do |answer|
      stub_request(:post, COMPLETIONS_URL).to_return(status: 200, **answer)

      assert_match(/could not be read|no answer/, turn("Hi").error)
    end
    assert_empty @store.find("ada")
  end

  test "a model the registry does not know is explained, not raised" do
    RubyLLM.config.default_model = "anthropic/claude-sonnnet"

    assert_match "LLM_MODEL", turn("Hi").error
  ensure
    RubyLLM.config.default_model = "anthropic/claude-sonnet-4.6"
  end

  test "without a key nothing is sent" do
    without_api_key do
      assert_not ChatTurn.ready?
      assert_equal ProviderFailure::MISSING_KEY, turn("Hi").error
    end
    assert_not_requested :post, COMPLETIONS_URL
  end

  test "an empty or oversized message is refused before anything is sent" do
    assert_match "Write a message", turn(" \n ").error
    assert_match "Write a message", turn(nil).error
    assert_match "4000 characters", turn("x" * (ChatTurn::MAX_CHARACTERS + 1)).error
    assert_not_requested :post, COMPLETIONS_URL
  end

  test "an error of our own is not hidden behind a polite reply" do
    stub_replies("Hello")
    broken_store = ConversationStore.new(cache: nil)

    assert_raises(NoMethodError) { ChatTurn.new("ada", store: broken_store).call("Hi") }
  end

  private

  def turn(text, id: "ada") = ChatTurn.new(id, store: @store).call(text)
end
