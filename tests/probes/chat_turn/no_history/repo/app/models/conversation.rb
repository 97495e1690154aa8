class Conversation
  attr_reader :turns

  def initialize(session)
    @turns = session[:turns] ||= []
  end

  def ask(text)
    answer = RubyLLM.chat(provider: :openrouter).ask(text).content
    turns << { "role" => "user", "content" => text } << { "role" => "assistant", "content" => answer }
  end
end
