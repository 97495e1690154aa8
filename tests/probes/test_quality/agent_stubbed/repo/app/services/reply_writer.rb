class ReplyWriter
  def call(text)
    SupportAgent.new.ask(text).content
  rescue RubyLLM::Error
    "Sorry."
  end
end
