# One turn of a conversation: replays the earlier turns, asks the model and remembers its answer.
class ChatTurn
  INSTRUCTIONS = "You are a helpful assistant. Answer clearly and keep it short.".freeze

  Result = Struct.new(:answer, :failure, keyword_init: true)

  def initialize(conversation)
    @conversation = conversation
  end

  def ask(question)
    answer = chat.ask(question).content
    @conversation.add_turn(question, answer)
    Result.new(answer: answer)
  rescue StandardError => e
    Rails.logger.error("Chat turn failed: #{e.class}: #{e.message}")
    Result.new(failure: "The assistant could not answer. Please try again.")
  end

  private

  def chat
    chat = RubyLLM.chat(provider: :openrouter)
    chat.with_instructions(INSTRUCTIONS)
    @conversation.messages.each do |message|
      chat.add_message(role: message["role"].to_sym, content: message["content"])
    end
    chat
  end
end
