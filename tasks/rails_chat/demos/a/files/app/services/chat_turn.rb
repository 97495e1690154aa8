# One turn of a conversation: sends what was said so far and the new text to the model.
# The exchange is kept only when a reply came, so a failed turn is never sent again by a later one.
class ChatTurn
  MAX_CHARACTERS = 4_000
  MAX_REPLY_TOKENS = 2_048

  SYSTEM_PROMPT = <<~PROMPT.freeze
    You are Lantern, a helpful and concise assistant. Say so when you do not know something.
    Write in the user's language. Use short paragraphs, plain lists, **bold**, `code` and fenced code blocks only.
  PROMPT

  # A reply arrived with success, but there is no text in it.
  class UnreadableReply < StandardError; end

  Result = Data.define(:messages, :error) do
    def self.success(*messages) = new(messages:, error: nil)
    def self.failure(error) = new(messages: [], error:)

    def success? = error.nil?
  end

  def self.ready? = RubyLLM.config.openrouter_api_key.present?

  def initialize(conversation_id, store: ConversationStore.new)
    @conversation_id = conversation_id
    @store = store
  end

  def call(text)
    text = text.to_s.strip
    problem = problem_with(text)
    return Result.failure(problem) if problem

    question = Message.user(text)
    answer = Message.assistant(reply_to(question))
    @store.append(@conversation_id, question, answer)
    Result.success(question, answer)
  rescue RubyLLM::Error, RubyLLM::ConfigurationError, RubyLLM::ModelNotFoundError,
         Faraday::Error, UnreadableReply => e
    Rails.logger.error("Chat turn failed: #{e.class}: #{e.message.truncate(300)}")
    Result.failure(ProviderFailure.explain(e))
  end

  private

  def problem_with(text)
    return "Write a message first." if text.empty?
    return "That is too long: a message has at most #{MAX_CHARACTERS} characters." if text.length > MAX_CHARACTERS

    ProviderFailure::MISSING_KEY unless self.class.ready?
  end

  def reply_to(question)
    reply = ask(chat_so_far, question.content).content.to_s.strip
    raise UnreadableReply, "the reply is empty" if reply.empty?

    reply
  end

  def chat_so_far
    chat = RubyLLM.chat(model: RubyLLM.config.default_model, provider: :openrouter)
    chat.with_instructions(SYSTEM_PROMPT).with_params(max_tokens: MAX_REPLY_TOKENS)
    @store.find(@conversation_id).messages.each do |message|
      chat.add_message(role: message.role.to_sym, content: message.content)
    end
    chat
  end

  # RubyLLM trips over nil when a 200 carries anything but a chat completion, a proxy's HTML page for example.
  def ask(chat, text)
    chat.ask(text)
  rescue NoMethodError, TypeError => e
    raise UnreadableReply, e.message
  end
end
