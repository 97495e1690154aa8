class TitleJob < ApplicationJob
  discard_on RubyLLM::Error

  def perform(text) = Ask.call(text)
end
