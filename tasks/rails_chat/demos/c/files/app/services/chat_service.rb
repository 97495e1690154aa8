# Sends a message to Claude through OpenRouter and returns the reply.
class ChatService
  MODEL = "anthropic/claude-sonnet-4.5"
  SYSTEM_PROMPT = "You are Chatter, a friendly and helpful assistant."
  APOLOGY = "I'm sorry, I'm having trouble answering right now. Please try again in a moment."

  def reply_to(message)
    chat = RubyLLM.chat(model: MODEL, provider: :openrouter)
    chat.with_system(SYSTEM_PROMPT)
    response = chat.user(message)
    response.content
  rescue => e
    Rails.logger.warn("ChatService: #{e.message}")
    APOLOGY
  end
end
