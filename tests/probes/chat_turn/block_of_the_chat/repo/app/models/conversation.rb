class Conversation
  attr_reader :turns

  def initialize(session)
    @turns = session[:turns] ||= []
  end

  def ask(text)
    answer = +""
    chat = RubyLLM.chat(provider: :openrouter) { |chunk| answer << chunk.content.to_s }
    turns.each { |turn| chat.add_message(role: turn["role"].to_sym, content: turn["content"]) }
    chat.ask(text)
    added = [{ "role" => "user", "content" => text }, { "role" => "assistant", "content" => answer }]
    turns.concat(added)
    added
  end
end
