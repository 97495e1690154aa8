class Conversation
  attr_reader :turns

  def initialize(session)
    @turns = session[:turns] ||= []
  end

  def ask(text)
    turns << { "role" => "user", "content" => text }
    chat = RubyLLM.chat(provider: :openrouter)
    turns.each { |turn| chat.add_message(role: turn["role"].to_sym, content: turn["content"]) }
    answer = chat.ask(text).content
    turns << { "role" => "assistant", "content" => answer }
  end
end
