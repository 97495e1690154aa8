class Conversation
  attr_reader :turns

  def initialize(session)
    @turns = session[:turns] ||= []
  end

  def ask(text)
    turns << { "role" => "assistant", "content" => RubyLLM::Client.new.chat(text) }
  end
end
