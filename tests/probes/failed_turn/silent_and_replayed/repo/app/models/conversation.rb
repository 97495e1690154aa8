# The user's turn is stored before it is known whether it will be answered.
class Conversation
  attr_reader :turns

  def initialize(session)
    @turns = session[:turns] ||= []
  end

  def ask(text)
    turns << { "role" => "user", "content" => text }
    chat = RubyLLM.chat(provider: :openrouter)
    turns.each { |turn| chat.add_message(role: turn["role"].to_sym, content: turn["content"]) }
    turns << { "role" => "assistant", "content" => chat.complete.content }
  end
end
