class Conversation
  attr_reader :turns

  def initialize(session)
    @turns = session[:turns] ||= []
  end

  def ask(text)
    chat = RubyLLM.chat(provider: :openrouter)
    turns.each { |turn| chat.add_message(role: turn["role"].to_sym, content: turn["content"]) }
    answer = +""
    chat.ask(text) { |chunk| answer << chunk.content.to_s }
    turns << { "role" => "user", "content" => text } << { "role" => "assistant", "content" => answer }
  end
end
