class AskJob < ApplicationJob
  def perform(text) = Ask.new.call(text)
end
