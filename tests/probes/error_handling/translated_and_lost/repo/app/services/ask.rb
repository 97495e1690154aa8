class Ask
  class Unavailable < StandardError; end

  def call(text)
    RubyLLM.chat.ask(text).content
  rescue RubyLLM::Error => e
    raise Unavailable, e.message
  end
end
