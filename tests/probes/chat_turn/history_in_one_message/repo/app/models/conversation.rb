class Conversation
  attr_reader :turns

  def initialize(session)
    @turns = session[:turns] ||= []
  end

  def ask(text)
    turns << { "role" => "user", "content" => text }
    told = turns.map { |turn| "#{turn["role"]}: #{turn["content"]}" }.join("\n")
    answer = RubyLLM.chat(provider: :openrouter).ask(told).content
    turns << { "role" => "assistant", "content" => answer }
  end
end
