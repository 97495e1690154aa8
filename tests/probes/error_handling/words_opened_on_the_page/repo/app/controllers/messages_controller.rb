class MessagesController < ApplicationController
  def create
    @result = Turn.new.call(params[:text])
    head :bad_gateway unless @result.reply
  end
end
