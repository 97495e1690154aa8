class MessagesController < ApplicationController
  def create
    @reply = Ask.new.call(params[:text])
  rescue Ask::Error => e
    flash.now[:alert] = e.message
    render :new, status: :bad_gateway
  end
end
